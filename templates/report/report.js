// What needs a script: search in tables, copying, unfolding all. Without it the page shows everything that it has.
'use strict';

for (const field of document.querySelectorAll('input[data-filter]')) {
  const box = field.closest('.search');
  const rows = [...document.querySelectorAll(`#${field.dataset.filter} tbody tr`)];
  const words = rows.map((row) => row.textContent.toLowerCase());
  const filter = () => {
    const wanted = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    rows.forEach((row, index) => {
      row.hidden = !wanted.every((word) => words[index].includes(word));
      if (!row.hidden) count += 1;
    });
    box.querySelector('output').textContent = wanted.length === 0 ? '' : `${count} of ${rows.length}`;
  };
  box.hidden = false;
  field.addEventListener('input', filter);
  filter();
}

for (const button of document.querySelectorAll('button[data-copy]')) {
  button.hidden = false;
  button.addEventListener('click', async () => {
    const label = button.textContent;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = 'Copied';
    } catch {
      button.textContent = 'Not allowed';
    }
    setTimeout(() => (button.textContent = label), 2000);
  });
}

for (const button of document.querySelectorAll('button[data-fold]')) {
  const parts = [...document.querySelectorAll(`details.${button.dataset.fold}`)];
  button.hidden = false;
  button.addEventListener('click', () => {
    const open = !parts.every((part) => part.open);
    for (const part of parts) part.open = open;
    button.textContent = open ? 'Fold all' : 'Unfold all';
  });
}
