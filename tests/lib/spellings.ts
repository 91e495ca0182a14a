import { isIPv6 } from "node:net";

/** Every way known to us in which a URL can spell the host at this address, odd ones and tricks included. */
export function hostSpellings(address: string): string[] {
  return isIPv6(address.split("%")[0] ?? "") ? ipv6Spellings(address) : ipv4Spellings(address);
}

function ipv4Spellings(address: string): string[] {
  const parts = address.split(".").map(Number);
  const [a = 0, b = 0, c = 0, d = 0] = parts;
  const number = ((a * 256 + b) * 256 + c) * 256 + d;
  const hex = (value: number, width = 0) => value.toString(16).padStart(width, "0");
  const octal = (value: number) => `0${value.toString(8)}`;
  const groups = `${hex(a * 256 + b)}:${hex(c * 256 + d)}`;
  const fullWidth = address.replace(/\d/g, (digit) => String.fromCharCode(0xff10 + Number(digit)));
  return [
    address,
    `${address}.`,
    String(number),
    `0x${hex(number)}`,
    `0X${hex(number, 8).toUpperCase()}`,
    octal(number),
    parts.map((part) => `0x${hex(part)}`).join("."),
    parts.map((part) => `0x0000${hex(part, 2)}`).join("."),
    parts.map(octal).join("."),
    parts.map((part) => `00${octal(part)}`).join("."),
    `${a}.${(b * 256 + c) * 256 + d}`,
    `${a}.${b}.${c * 256 + d}`,
    `0x${hex(a)}.${octal(b)}.${c * 256 + d}`,
    fullWidth,
    fullWidth.replaceAll(".", "。"),
    address.replaceAll(".", "．"),
    address.replace(/./g, (char) => `%${hex(char.charCodeAt(0), 2)}`),
    address.replace(".", "%2E"),
    `8.8.8.8@${address}`,
    `8.8.8.8:80@${address}`,
    `8.8.8.8%40x@${address}`,
    `\t${address.replace(".", ".\n")}`,
    `\\${address}`,
    `/${address}`,
    `[::ffff:${address}]`,
    `[::FFFF:${groups}]`,
    `[0:0:0:0:0:ffff:${groups}]`,
    `[0000:0000:0000:0000:0000:ffff:${address}]`,
    `[::${address}]`,
    `[::ffff:0:${address}]`,
    `[64:ff9b::${address}]`,
    `[64:ff9b:1::${groups}]`,
    `[2002:${groups}::1]`,
    `[2001:0:${groups}::1]`,
  ];
}

function ipv6Spellings(address: string): string[] {
  const [plain = ""] = address.split("%");
  const [head = "", tail = ""] = plain.split("::");
  const groups = (text: string) => text.split(":").filter((group) => group !== "");
  const zeros = Array(8 - groups(head).length - groups(tail).length).fill("0");
  const full = [...groups(head), ...zeros, ...groups(tail)];
  const [g = "0", h = "0"] = full.slice(6).map((group) => Number.parseInt(group, 16));
  const dotted = [Number(g) >> 8, Number(g) & 255, Number(h) >> 8, Number(h) & 255].join(".");
  return [
    `[${plain}]`,
    `[${plain.toUpperCase()}]`,
    `[${full.join(":")}]`,
    `[${full.map((group) => group.padStart(4, "0")).join(":")}]`,
    `[${[...full.slice(0, 6), dotted].join(":")}]`,
    `[${plain}%25lo]`,
    `[${plain}%lo]`,
    `x@[${plain}]`,
  ];
}
