import { join, resolve } from "node:path";
import { type BunPlugin, Glob } from "bun";

const ROOT = resolve(import.meta.dir, "..");

/** What the build does to the sources on their way into the executable. */
export async function buildPlugins(): Promise<BunPlugin[]> {
  return [oneTypebox, oneAjv, await packedModules(), gzippedAssets];
}

/** Our `typebox` is another name for Elysia's `@sinclair/typebox`; without this the executable holds and loads both. */
const oneTypebox: BunPlugin = {
  name: "one typebox",
  setup(build) {
    build.onResolve({ filter: /^typebox($|\/)/ }, ({ path }) => ({
      path: Bun.resolveSync(path.replace("typebox", "@sinclair/typebox"), ROOT),
    }));
  },
};

/** The client half of the MCP SDK brings the same Ajv as the server half; Hermes gives the client another validator anyway. */
const oneAjv: BunPlugin = {
  name: "one ajv",
  setup(build) {
    const dist = join(ROOT, "node_modules/@modelcontextprotocol/server/dist");
    const [kept] = new Glob("ajvProvider-*.mjs").scanSync({ cwd: dist, absolute: true });
    build.onResolve({ filter: /^\.\/ajvProvider-/ }, () => (kept === undefined ? undefined : { path: kept }));
  },
};

/**
 * Modules that few processes load, and none at its start: each goes in with all that it imports, compressed and without
 * bytecode, which is most of the size of code.
 */
const PACKED = [
  // The parsers of pages, nearly half of all code; only a process of their own runs them.
  { name: "read-html", path: join(ROOT, "src/tools/web/read-html.ts"), exported: "readHtml" },
  { name: "read-pdf", path: join(ROOT, "src/tools/web/read-pdf.ts"), exported: "readPdf" },
  { name: "anthropic", path: Bun.resolveSync("@ai-sdk/anthropic", ROOT), exported: "createAnthropic" },
  { name: "google", path: Bun.resolveSync("@ai-sdk/google", ROOT), exported: "createGoogle" },
] as const;

/** Bundles them first: within a plugin, a build that waits for another one never ends. */
async function packedModules(): Promise<BunPlugin> {
  const bundles = new Map<string, Uint8Array>();
  for (const { name, path } of PACKED)
    bundles.set(name, Bun.zstdCompressSync(await bundle(path), { level: 19 }));
  return {
    name: "packed modules",
    setup(build) {
      build.onLoad({ filter: /\.ts$|\/@ai-sdk\// }, ({ path: loaded }) => {
        const module = PACKED.find(({ path }) => path === loaded);
        return module && { loader: "js", contents: unpacking(module.name, module.exported) };
      });
      build.onResolve({ filter: /^packed:/ }, ({ path }) => ({
        path: `${path.replace("packed:", "")}.zst`,
        namespace: "packed",
      }));
      build.onLoad({ filter: /./, namespace: "packed" }, ({ path }) => ({
        loader: "file",
        contents: bundles.get(path.replace(/\.zst$/, "")) ?? "",
      }));
    },
  };
}

function unpacking(name: string, exported: string): string {
  return `
    import packed from "packed:${name}" with { type: "file" };
    const code = Bun.zstdDecompressSync(await Bun.file(packed).bytes());
    const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    export const { ${exported} } = await import(url);
    URL.revokeObjectURL(url);`;
}

/** The page at `/swagger` is served as it is compressed here: see `serveFile` in src/http/docs/file.ts. */
const gzippedAssets: BunPlugin = {
  name: "gzipped assets",
  setup(build) {
    build.onResolve({ filter: /^swagger-ui-dist\/.*\.(js|css)$/ }, ({ path }) => ({
      path: `${Bun.resolveSync(path, ROOT)}.gz`,
      namespace: "gzip",
    }));
    build.onLoad({ filter: /./, namespace: "gzip" }, async ({ path }) => ({
      loader: "file",
      contents: Bun.gzipSync(await Bun.file(path.replace(/\.gz$/, "")).bytes(), { level: 9 }),
    }));
  },
};

/** A module and all that it imports, as one file. */
async function bundle(entrypoint: string): Promise<Uint8Array<ArrayBuffer>> {
  const { outputs } = await Bun.build({
    entrypoints: [entrypoint],
    target: "bun",
    format: "esm",
    minify: true,
  });
  const [output] = outputs;
  if (!output || outputs.length !== 1) throw new Error(`${entrypoint} does not become one file.`);
  return new Uint8Array(await output.arrayBuffer());
}
