import { expect, test } from "bun:test";
import { htmlToText } from "../../../src/tools/web/plain-text.ts";

test("keeps what people read and drops what machines run", () => {
  const html = `<!doctype html><html><head><title>A &amp; B</title><style>p{}</style></head><body>
    <h1>Hello</h1><script>alert("x")</script><svg><path d="M0"/></svg><!-- a comment -->
    <p>one&nbsp;&lt;two&gt; &#20320;&#x597D;<br>next</p><noscript>no</noscript><p>unclosed`;
  expect(htmlToText(html)).toBe("A & B\n\nHello\n\none <two> 你好\nnext\n\nunclosed");
});

test("no entity breaks it", () => {
  expect(htmlToText("<p>&#9999999; &bogus; &amp;lt;</p>")).toBe("&#9999999; &bogus; &lt;");
});
