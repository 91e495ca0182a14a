import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ENGLISH, type KeyDocument, type PageWords, referencePage } from "../src/config/document.ts";
import { exampleYaml } from "../src/config/example.ts";
import { configJsonSchema } from "../src/config/json-schema.ts";
import { asyncApiYaml } from "./asyncapi.ts";
import translations from "./configuration.zh-CN.json" with { type: "json" };

const CHINESE_INTRODUCTION = `
配置文件是 \`~/.hermes/config.yaml\`；\`HERMES_HOME\` 可换目录，\`--config\` 可换文件。没有任何文件时，Hermes 使用下列默认值。
\`hermes config example\` 输出一份起步用的文件，\`hermes config check\` 指出其中的错误，
\`hermes config show --sources\` 显示生效的值及其来源。

- **优先级**：命令行参数，其次环境变量，其次 \`$HERMES_HOME/.env\`，其次文件，最后默认值。不读取工作目录中的 \`.env\`。空变量视为未设置。
- **引用**可用于任何文本值：\`\${NAME}\` 与 \`\${NAME:-default}\` 取变量，\`file:/path\` 取文件内容（去掉末尾换行）。请加引号。\`$\${\` 表示 \`\${\` 本身。
- **重新加载**：文件改动后一秒内生效；收到 SIGHUP 立即生效，并重新读取 \`.env\` 和 \`file:\` 所指的文件。
  有错误的文件不改变任何设置，错误写入日志。标有“需重启”的键在下次启动前保持原值。
- **密钥**不会出现在日志和错误信息中。请只让自己可读：\`chmod 600 config.yaml\`。
`;

/** The description of a key in Chinese; platforms share those under `platforms.*`. */
export function chineseDescription(key: string): string | undefined {
  const known: Readonly<Record<string, string>> = translations;
  return known[key] ?? known[key.replace(/^platforms\.[a-z]+\./, "platforms.*.")];
}

const CHINESE: PageWords = {
  title: "配置",
  introduction: CHINESE_INTRODUCTION,
  columns: ["键", "类型", "默认值", "含义"],
  variable: "环境变量：",
  restart: "改动需重启。",
  required: "必填",
  describe({ key }: KeyDocument): string {
    const text = chineseDescription(key);
    if (text === undefined) throw new Error(`scripts/configuration.zh-CN.json lacks ${key}`);
    return text;
  },
};

/** Every generated file with its content, by its path in the repository. */
export function generatedFiles(): Record<string, string> {
  return {
    "config.example.yaml": exampleYaml(),
    "docs/config.schema.json": `${JSON.stringify(configJsonSchema(), null, 2)}\n`,
    "docs/configuration.md": referencePage(ENGLISH),
    "docs/configuration.zh-CN.md": referencePage(CHINESE),
    "docs/webhooks.asyncapi.yaml": asyncApiYaml(),
  };
}

if (import.meta.main) {
  const check = process.argv.includes("--check");
  for (const [path, content] of Object.entries(generatedFiles())) {
    const file = join(import.meta.dir, "..", path);
    if (!check) writeFileSync(file, content);
    else if (readFileSync(file, "utf8") === content) continue;
    else process.exitCode = 1;
    console.log(check ? `${path} is not what \`bun run generate\` makes` : path);
  }
}
