import type { Config } from "../../config/schema.ts";
import type { Admission } from "../admission.ts";
import { content } from "../answers.ts";
import { baseOf, type ResourceParts } from "../oauth/resource.ts";

const HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy":
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "x-frame-options": "DENY",
};

/** What whoever opens the address in a browser reads: how to connect a client. It needs nothing from anywhere else. */
export function helpPage(parts: ResourceParts, request: Request, admission: Admission): Response {
  const url = escaped(`${baseOf(parts, request)}/mcp`);
  return content(admission, page(url, parts.config.current.mcp.auth.type), HEADERS);
}

type AuthType = Config["mcp"]["auth"]["type"];

const AUTH_EN: Readonly<Record<AuthType, string>> = {
  api_key:
    "Give the client a key, as the header <code>x-api-key</code> or <code>Authorization: Bearer</code>. The keys are in <code>mcp.auth</code> of the configuration; when there are none, Hermes keeps one in the file <code>mcp-key</code> in its home.",
  oauth2: "The client opens the sign-in page of the authorization server by itself.",
  none: "No key is needed.",
};
const AUTH_ZH: Readonly<Record<AuthType, string>> = {
  api_key:
    "请为客户端提供密钥，放在请求头 <code>x-api-key</code> 或 <code>Authorization: Bearer</code> 中。密钥写在配置的 <code>mcp.auth</code> 下；若未配置，Hermes 会把自动生成的密钥保存在主目录的 <code>mcp-key</code> 文件里。",
  oauth2: "客户端会自动打开授权服务器的登录页面。",
  none: "无需密钥。",
};

function page(url: string, auth: AuthType): string {
  const headers = auth === "api_key" ? `,\n      "headers": { "x-api-key": "YOUR_KEY" }` : "";
  const sample = `{
  "mcpServers": {
    "hermes": {
      "type": "http",
      "url": "${url}"${headers}
    }
  }
}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Hermes MCP</title>
<style>
body { font: 16px/1.6 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem; }
pre { background: #8882; border-radius: 6px; padding: 1rem; overflow-x: auto; }
:root { color-scheme: light dark; }
</style>
</head>
<body>
<h1>Hermes MCP</h1>
<p>This address is for MCP clients. Add this to the configuration of yours:</p>
<pre>${sample}</pre>
<p>${AUTH_EN[auth]}</p>
<p><code>GET /tools</code> lists the tools, <code>POST /execute</code> calls one.</p>
<section lang="zh-CN">
<h2>连接方法</h2>
<p>这个地址供 MCP 客户端使用。请把上面的内容加入客户端的配置。</p>
<p>${AUTH_ZH[auth]}</p>
<p><code>GET /tools</code> 列出工具，<code>POST /execute</code> 调用工具。</p>
</section>
</body>
</html>
`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
