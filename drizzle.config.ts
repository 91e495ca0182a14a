import { defineConfig } from "drizzle-kit";

/** `bunx --bun drizzle-kit generate --name <what>` writes the next migration from the schema. */
export default defineConfig({
  dialect: "sqlite",
  schema: ["./src/store/schema.ts", "./src/store/webhook-schema.ts"],
  out: "./src/store/migrations",
});
