/** What a small PDF is to hold. */
export interface PdfOptions {
  pages: readonly string[];
  title?: string;
  /** The compressed content of the first page instead of its text, for what a hostile file holds. */
  rawStream?: Uint8Array;
}

/**
 * A small PDF (ISO 32000-1) written by hand: every character of the texts gets a code of a Type 0 font, and a ToUnicode map
 * says which character it is, as word processors do it for Chinese.
 */
export function makePdf({ pages, title, rawStream }: PdfOptions): Uint8Array<ArrayBuffer> {
  const chars = [...new Set(pages.join(""))];
  const hex = (code: number) => code.toString(16).padStart(4, "0");
  const show = (text: string) => `<${[...text].map((char) => hex(chars.indexOf(char) + 1)).join("")}> Tj`;
  const toUnicode = [
    "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapType 2 def",
    "1 begincodespacerange <0000> <ffff> endcodespacerange",
    ...chars.map((char, i) => `1 beginbfchar <${hex(i + 1)}> <${hex(char.charCodeAt(0))}> endbfchar`),
    "endcmap end end",
  ].join("\n");
  const objects: (string | Uint8Array)[] = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    `<< /Type /Pages /Count ${pages.length} /Kids [${pages.map((_, i) => `${7 + 2 * i} 0 R`).join(" ")}] >>`,
    "<< /Type /Font /Subtype /Type0 /BaseFont /Fake /Encoding /Identity-H /DescendantFonts [4 0 R] /ToUnicode 5 0 R >>",
    "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Fake /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /DW 1000 /FontDescriptor << /Type /FontDescriptor /FontName /Fake /Flags 4 /FontBBox [0 0 1000 1000] /ItalicAngle 0 /Ascent 900 /Descent -100 /CapHeight 700 /StemV 80 >> >>",
    stream(Buffer.from(toUnicode)),
    `<< ${title === undefined ? "" : `/Title (${title})`} /Author (A. Writer) /CreationDate (D:20260314093000Z) >>`,
  ];
  pages.forEach((text, i) => {
    const lines = text.split("\n").map((line, n) => `${n === 0 ? "" : "0 -20 Td "}${show(line)}`);
    const content = Buffer.from(`BT /F1 12 Tf 50 700 Td ${lines.join(" ")} ET`);
    objects.push(
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents ${8 + 2 * i} 0 R /Resources << /Font << /F1 3 0 R >> >> >>`,
      rawStream && i === 0 ? stream(rawStream, "/Filter /FlateDecode") : stream(content),
    );
  });
  return assemble(objects);
}

function stream(bytes: Uint8Array, more = ""): Uint8Array {
  return Buffer.concat([
    Buffer.from(`<< /Length ${bytes.length} ${more} >>\nstream\n`),
    bytes,
    Buffer.from("\nendstream"),
  ]);
}

function assemble(objects: readonly (string | Uint8Array)[]): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [Buffer.from("%PDF-1.7\n")];
  const offsets: number[] = [];
  let size = 9;
  const add = (bytes: Uint8Array) => {
    parts.push(bytes);
    size += bytes.length;
  };
  objects.forEach((object, i) => {
    offsets.push(size);
    add(Buffer.concat([Buffer.from(`${i + 1} 0 obj\n`), Buffer.from(object), Buffer.from("\nendobj\n")]));
  });
  const table = offsets.map((offset) => `${String(offset).padStart(10, "0")} 00000 n \n`).join("");
  const startOfTable = size;
  add(
    Buffer.from(
      `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${table}trailer << /Size ${objects.length + 1} /Root 1 0 R /Info 6 0 R >>\nstartxref\n${startOfTable}\n%%EOF\n`,
    ),
  );
  return new Uint8Array(Buffer.concat(parts));
}
