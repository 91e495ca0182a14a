/** The protocol that a provider speaks. */
export type ProviderType = "openai-compatible" | "anthropic" | "google";

export interface ProviderPreset {
  type: ProviderType;
  baseUrl: string;
  /** The environment variable whose presence configures the provider; null for local servers without a key. */
  env: string | null;
  /** The model to use when nothing else is configured. */
  defaultModel: string | null;
}

const openai = (baseUrl: string, env: string | null, defaultModel: string | null = null): ProviderPreset => ({
  type: "openai-compatible",
  baseUrl,
  env,
  defaultModel,
});

/** Providers known by name: one needs only its key. In order of preference for the default model. */
export const PROVIDER_PRESETS: Readonly<Record<string, ProviderPreset>> = {
  openrouter: openai("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", "anthropic/claude-sonnet-4"),
  anthropic: {
    type: "anthropic",
    baseUrl: "https://api.anthropic.com/v1",
    env: "ANTHROPIC_API_KEY",
    defaultModel: "claude-sonnet-4-5",
  },
  openai: openai("https://api.openai.com/v1", "OPENAI_API_KEY", "gpt-5-mini"),
  gemini: {
    type: "google",
    baseUrl: "https://generativelanguage.googleapis.com/v1beta",
    env: "GEMINI_API_KEY",
    defaultModel: "gemini-2.5-flash",
  },
  deepseek: openai("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY", "deepseek-flash"),
  qwen: openai("https://dashscope.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_API_KEY", "qwen3.7-plus"),
  dashscope: openai("https://dashscope-intl.aliyuncs.com/compatible-mode/v1", null, "qwen3.7-plus"),
  moonshot: openai("https://api.moonshot.ai/v1", "MOONSHOT_API_KEY", "kimi-k2.6"),
  "moonshot-cn": openai("https://api.moonshot.cn/v1", null, "kimi-k2.6"),
  zhipu: openai("https://open.bigmodel.cn/api/paas/v4", "ZHIPU_API_KEY", "glm-4.7"),
  zai: openai("https://api.z.ai/api/paas/v4", "ZAI_API_KEY", "glm-4.7"),
  minimax: openai("https://api.minimax.io/v1", "MINIMAX_API_KEY", "MiniMax-M2.7"),
  "minimax-cn": openai("https://api.minimaxi.com/v1", null, "MiniMax-M2.7"),
  siliconflow: openai("https://api.siliconflow.cn/v1", "SILICONFLOW_API_KEY", "deepseek-ai/DeepSeek-V3"),
  volcengine: openai("https://ark.cn-beijing.volces.com/api/v3", "ARK_API_KEY"),
  groq: openai("https://api.groq.com/openai/v1", "GROQ_API_KEY", "llama-3.3-70b-versatile"),
  ollama: openai("http://127.0.0.1:11434/v1", null),
  vllm: openai("http://127.0.0.1:8000/v1", null),
  lmstudio: openai("http://127.0.0.1:1234/v1", null),
  /** `hermes dev fake-llm`, the shipped fake: any key will do. */
  fake: openai("http://127.0.0.1:18799/v1", "FAKE_LLM_API_KEY", "hello"),
};
