/** An answer as models give it: Chinese, emoji, tables and code. */
export const SAMPLE_MARKDOWN = "# 你好 👋\n\n- **一**\n- `two`\n";
