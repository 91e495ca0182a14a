/** The configuration that the published instructions tell people to paste. */
export const PUBLISHED_SAMPLE = `
model:
  default: openrouter/anthropic/claude-sonnet-4
  fallbacks: []
providers:
  openrouter: { api_key: "\${OPENROUTER_API_KEY}" }
  local: { type: openai-compatible, base_url: "http://127.0.0.1:11434/v1" }
platforms:
  telegram:
    bot_token: "123456789:ABC..."
    allowed_users: [ 123456789 ]
    polling_timeout: 30
    max_retries: 3
  discord:  { bot_token: "...", allowed_guilds: [], allowed_channels: [] }
  slack:    { bot_token: "xoxb-...", signing_secret: "...", app_token: "xapp-..." }
  wecom:    { corp_id: "...", agent_id: "1000001", secret: "..." }
  dingtalk: { app_key: "...", app_secret: "..." }
  feishu:   { app_id: "cli_...", app_secret: "..." }
  wechat:   { app_id: "wx...", app_secret: "...", token: "...", encoding_aes_key: "..." }
network: { allow_cidrs: [], trusted_proxies: [] }
gateway:
  webhook:
    enabled: true
    port: 18789
    path: /webhook
    secret: "your-webhook-secret"
    routes: {}
    outbound:
      enabled: true
      url: "https://your-server.com/hermes-webhook"
      events: [ message.received, task.completed, agent.error ]
      secret: "outbound-secret"
mcp:
  enabled: true
  port: 18790
  auth: { type: api_key, api_keys: [ key1, key2 ] }
  allowed_origins: [ "https://your-app.com" ]
  rate_limit: { requests_per_minute: 60 }
api:
  enabled: true
  port: 18791
  base_path: /api/v1
  auth: { type: bearer_token, token: "your-secure-api-token" }
  rate_limit: { requests_per_minute: 60 }
`;
