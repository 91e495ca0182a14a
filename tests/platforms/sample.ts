/** A long answer as models give it, of 10 KB: Chinese, emoji, tables, code, lists, links, and signs that must not be taken for marks. */
export const SAMPLE_MARKDOWN = `# 部署手册 🚀：把 Hermes 放到一台小服务器上

**结论：**一台 2 核 4 GB 的机器就够了。下面的步骤在 *Debian 12* 上测试过，全程大约 **15 分钟**；如果您已经装好 \`docker\`，可以直接跳到[第三节](https://example.com/docs/deploy?step=3&lang=zh)。

> **注意：**不要把 \`token\` 写进命令行，别人用 \`ps\` 就能看到。
> 请放进 \`~/.hermes/.env\`，并且 \`chmod 600\`。
>
> > 引用里的引用：旧版本没有这个检查。

## 一、准备

1. 更新系统：
   \`\`\`bash
   sudo apt update && sudo apt -y upgrade
   sudo apt install -y curl ca-certificates
   # 检查版本 <不要跳过>
   uname -a && free -h
   \`\`\`
2. 打开防火墙：
   - 只放行 **22**、**443**
     - IPv6 也要放行 👨‍👩‍👧‍👦
     - 家里的地址在 \`10.0.0.0/8\`
   - 其余一律拒绝
3. 建立用户 \`hermes\`，不要用 ~~root~~。

- [x] 买服务器 🇨🇳
- [ ] 配域名 🇩🇪
- [ ] 写备份脚本 👩🏽‍💻

### 机器的选择

| 提供商 | 地区 | 内存 | 价格（元/月） | 说明 |
|:-------|:----:|-----:|--------------:|------|
| 阿里云 | 杭州 | 4 GB | 68.00 | 学生有优惠 🎓 |
| 腾讯云 | 上海 | 4 GB | 65.50 | \`Lighthouse\`，**带宽小** |
| 华为云 | 广州 | 8 GB | 128.00 | 按量付费 |
| Hetzner | Nürnberg | 8 GB | 52.30 | 延迟高，约 200 ms |
| DigitalOcean | Singapore | 4 GB | 171.20 | 文档最好：[链接](https://docs.example.com/a_b_c) |
| 自己的旧电脑 | 家里 | 16 GB | 0 | 停电就没了 ⚡️ |

价格是 2026 年 9 月的，**以官网为准。**汇率按 1 USD = 7.1 CNY 计算；2*3*4 = 24 这样的星号不是斜体，\`snake_case_name\` 里的下划线也不是。

## 二、配置

配置只有一个文件。下面是一个完整的例子，请逐行看：

\`\`\`yaml
# ~/.hermes/config.yaml
server:
  host: 127.0.0.1
  port: 18791
models:
  default: deepseek
  providers:
    deepseek:
      api_key: \${DEEPSEEK_API_KEY}
platforms:
  telegram:
    token: \${TELEGRAM_BOT_TOKEN}
    allow: ["12345678"]   # 只有家人 👨‍👩‍👧
  discord:
    token: \${DISCORD_BOT_TOKEN}
    allow: ["200000000000000001"]
gateway:
  busy: queue
  streaming: true
\`\`\`

然后写一个很短的程序来验证：它读取事件流，并且在断线以后用 \`Last-Event-ID\` 接着读。

\`\`\`ts
import { createServer } from "node:http";

interface Event<T> {
  id: string;
  data: T;
}

/** 一直读到结束；断线会自动重连。 */
export async function* follow<T>(url: string, token: string): AsyncGenerator<Event<T>> {
  let lastId: string | undefined;
  for (;;) {
    const response = await fetch(url, {
      headers: { authorization: \`Bearer \${token}\`, ...(lastId && { "last-event-id": lastId }) },
    });
    if (response.status === 204) return;
    if (!response.ok || !response.body) throw new Error(\`HTTP \${response.status}: <\${url}>\`);
    let rest = "";
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      const events = (rest + chunk).split("\\n\\n");
      rest = events.pop() ?? "";
      for (const event of events) {
        const id = /^id: (.*)$/m.exec(event)?.[1];
        const data = /^data: (.*)$/m.exec(event)?.[1];
        if (!id || !data) continue;
        lastId = id;
        yield { id, data: JSON.parse(data) as T };
      }
    }
  }
}

createServer((_, answer) => answer.end("你好，世界 & <everyone>\\n")).listen(0);
\`\`\`

同样的事情，用 Python 也不长：

\`\`\`python
import json, urllib.request

def ask(question: str) -> str:
    """问一句，等一句。"""
    body = json.dumps({"message": question}).encode()
    request = urllib.request.Request("http://127.0.0.1:18791/api/chat", body)
    request.add_header("content-type", "application/json")
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["reply"]

print(ask("今天天气怎么样？☀️"))
\`\`\`

---

## 三、运行与检查

运行以后，请看三件事情。第一，进程是不是在跑；第二，日志里有没有 \`WARN\`；第三，从手机上发一句“你好”，机器人应当在两秒之内显示“正在输入…”。如果没有反应，多半是下面几种原因之一：机器人的令牌填错了，或者复制的时候多了一个空格；您的账号不在允许名单里，这时机器人不会回答任何人，只在日志里写一行；服务器连不上外网，比如公司的代理拦住了长连接；同一个令牌在别的机器上也在用，平台只允许一个连接，于是两边轮流被踢下线。请按这个顺序检查，每一步都有对应的命令，不要一上来就重装系统。重装系统解决不了令牌的问题，只会让您丢掉日志，而日志里通常已经写明了原因，甚至写明了怎么办。

Now the same for English readers. The process writes *structured* logs, one JSON object per line; \`hermes doctor\` reads them for you and tells what is wrong, and what to do about it. It checks the store, the models, every platform and the clock. A check that fails names the **exact** key of the configuration, e.g. \`platforms.telegram.token\`, and the exit code is 1 — so that you can use it in a script. See https://example.com/docs/doctor_and_status?verbose=1&format=json or write to <help@example.com>. Do not paste tokens into public issues!

| Symptom | Cause | Fix |
|---|---|---|
| no answer at all | not on the allow-list | \`hermes pairing approve ABCD1234\` |
| "409 Conflict" | a second process polls | stop the other one |
| 回答停在一半 | 模型超时 ⏱️ | \`models.timeout_ms: 120000\` |
| 表格是乱的 | 字体不是等宽 | 换一个客户端 \\| 或者不用表格 |

#### 常见问题

**问：为什么 @everyone 没有用？**
答：出于安全，机器人写的 @everyone、@here、<@123456789012345678>、<!channel>、<!here> 和 <@U012ABCDEF> 都不会提醒任何人。

**问：HTML 可以用吗？**
答：不可以，<b>这样写</b>只会原样显示；a < b && c > d 也没有问题。

**问：支持哪些语言？**
答：中文、English、日本語（**「太字」**も大丈夫）、한국어(**굵게**)、हिन्दी、العربية、é（e 加组合符号 é）和 emoji：👍🏽 🏳️‍🌈 ❤️‍🔥 🇯🇵🇰🇷🇨🇳 1️⃣。

![示意图](https://example.com/images/architecture.png)

***最后：***祝您使用愉快！🎉🎉🎉 有问题请看[文档（中文）](https://example.com/zh/文档_(新版))，或者在群里 \`@hermes\` 一下。
`;
