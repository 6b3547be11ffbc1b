/** A text that runs a script wherever it is taken for markup, for part of a tag, for a style or for a script. */
export const hostile = (where: string) =>
  `</script></style></title></pre></textarea><script>ran('${where}')</script><img src=x onerror="ran('${where}')">` +
  `" onmouseover="ran('${where}')" x='{{constructor}} &lt;svg onload=ran(1)&gt; javascript:ran(2)//`;

/** The name of a file has no slash. */
export const hostileId = `x'"><img src=x onerror=ran(3)>-20260102-030000-0002`;
