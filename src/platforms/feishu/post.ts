import { type Fields, fieldsOf, objectsOf, textOf } from "../fields.ts";

/** What a rich text holds. */
export interface Post {
  /** As Markdown, with placeholders for who is mentioned. */
  text: string;
  /** The keys of its pictures and films. */
  images: string[];
  videos: string[];
}

const MARKS: Readonly<Record<string, string>> = { bold: "**", italic: "*", lineThrough: "~~" };

/** Reads a rich text (open.feishu.cn/document/server-docs/im-v1/message-content-description/message_content). */
export function readPost(content: Fields): Post {
  const post: Post = { text: "", images: [], videos: [] };
  const { title, content: lines } = bodyOf(content);
  const paragraphs = (Array.isArray(lines) ? lines : []).map((line) =>
    objectsOf(line)
      .map((element) => readElement(element, post))
      .join(""),
  );
  const heading = textOf(title).trim();
  post.text = [...(heading === "" ? [] : [`**${heading}**`]), ...paragraphs].join("\n").trim();
  return post;
}

/** Events tell the text itself, some answers one for each language. */
function bodyOf(content: Fields): Fields {
  if (Array.isArray(content["content"])) return content;
  return (
    Object.values(content)
      .map(fieldsOf)
      .find((body) => Array.isArray(body["content"])) ?? {}
  );
}

function readElement(element: Fields, post: Post): string {
  const text = textOf(element["text"]);
  switch (element["tag"]) {
    case "a":
      return linkOf(text, textOf(element["href"]));
    case "at":
      return mentionOf(textOf(element["user_id"]), textOf(element["user_name"]));
    case "img":
      post.images.push(...keyIn(element, "image_key"));
      return "";
    case "media":
      post.videos.push(...keyIn(element, "file_key"));
      return "";
    case "emotion":
      return `[${textOf(element["emoji_type"])}]`;
    case "hr":
      return "\n---\n";
    case "code_block":
      return `\n\`\`\`${textOf(element["language"]).toLowerCase()}\n${text.replace(/\n$/, "")}\n\`\`\`\n`;
    default:
      return styled(text, element["style"]);
  }
}

function linkOf(label: string, url: string): string {
  if (url === "" || label === url) return label;
  return label === "" ? url : `[${label.replace(/[[\]]/g, "\\$&")}](${url})`;
}

function mentionOf(userId: string, name: string): string {
  if (userId.startsWith("@_")) return userId;
  return userId === "all" ? "@_all" : `@${name || userId}`;
}

function keyIn(element: Fields, name: string): string[] {
  const key = textOf(element[name]);
  return key === "" ? [] : [key];
}

/** Marks stand close to words: around spaces they would show. */
function styled(text: string, styles: unknown): string {
  if (!Array.isArray(styles)) return text;
  const [, before = "", words = "", after = ""] = /^(\s*)(.*?)(\s*)$/s.exec(text) ?? [];
  if (words === "") return text;
  const marks = styles.map((style) => MARKS[textOf(style)] ?? "");
  return before + marks.reduce((inner, mark) => mark + inner + mark, words) + after;
}
