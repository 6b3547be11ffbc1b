// The live page of a build: its log as it is written, and the screen of its guest. Without a script the page shows what there was.
'use strict';

const log = document.querySelector('pre[data-log]');
if (log) {
  const box = document.querySelector('#log-box');
  const source = new EventSource(log.dataset.log);
  source.addEventListener('message', ({ data }) => {
    const isAtEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
    log.append(`${JSON.parse(data)}\n`);
    if (isAtEnd) box.scrollTop = box.scrollHeight;
  });
  source.addEventListener('end', () => {
    source.close();
    clearInterval(timer);
    document.querySelector('#outcome').textContent = 'ended';
    document.querySelector('#outcome').className = 'badge';
  });
  box.scrollTop = box.scrollHeight;

  const screen = document.querySelector('#screen');
  const figure = screen.closest('figure');
  const show = (isThere) => {
    figure.hidden = !isThere;
    document.querySelector('#no-screen').hidden = isThere;
  };
  screen.addEventListener('load', () => show(true));
  screen.addEventListener('error', () => show(false));
  let turn = 0;
  const look = () => {
    if (document.hidden) return;
    turn += 1;
    screen.src = `${screen.dataset.source}?${turn}`;
  };
  const timer = setInterval(look, 5000);
  look();
}
