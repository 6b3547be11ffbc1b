/** A tar archive of files, each with its name and text. */
export function tarOf(...files: [name: string, text: string][]): Buffer {
  const members = files.map(([name, text]) => {
    const head = Buffer.alloc(512);
    head.write(name);
    head.write('0000644\0', 100);
    head.write(`${Buffer.byteLength(text).toString(8).padStart(11, '0')}\0`, 124);
    head.write(`${' '.repeat(8)}0ustar\0`, 148);
    head.write('00', 263);
    const sum = head.reduce((total, byte) => total + byte, 0);
    head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    const data = Buffer.alloc(Math.ceil(Buffer.byteLength(text) / 512) * 512);
    data.write(text);
    return Buffer.concat([head, data]);
  });
  return Buffer.concat([...members, Buffer.alloc(1024)]);
}
