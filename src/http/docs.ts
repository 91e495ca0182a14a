import { toOpenAPISchema } from "@elysiajs/openapi";
import { Elysia } from "elysia";
import iconFile from "swagger-ui-dist/favicon-32x32.png" with { type: "file" };
import styleFile from "swagger-ui-dist/swagger-ui.css" with { type: "file" };
import scriptFile from "swagger-ui-dist/swagger-ui-bundle.js" with { type: "file" };
import type { Admission } from "./admission.ts";
import { content } from "./answers.ts";
import { serveFile } from "./docs/file.ts";
import { ERROR_RESPONSES, headersOf, operationOf } from "./docs/operations.ts";
import { ref, SCHEMAS } from "./docs/schemas.ts";
import type { Edge } from "./edge.ts";
import { ROUTES, type Route, servedPath } from "./routes.ts";

const DESCRIPTION =
  "The REST API of Hermes. Send `Authorization: Bearer <token>`. Errors are problem documents (RFC 9457). " +
  "A run outlives the client that asked for it.";

/** Only what the page itself brings along; styles too, because Swagger UI sets some on its elements. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Hermes API</title>
<link rel="icon" type="image/png" href="/swagger/favicon-32x32.png">
<link rel="stylesheet" href="/swagger/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<script src="/swagger/swagger-ui-bundle.js"></script>
<script src="/swagger/start.js"></script>
</body>
</html>
`;

const START = `SwaggerUIBundle({
  url: "/swagger/json",
  dom_id: "#api",
  deepLinking: true,
  queryConfigEnabled: false,
  validatorUrl: null,
});
`;

export interface OpenApiOptions {
  version: string;
  basePath?: string;
}

/** The OpenAPI 3.1 document, made from the route table and its schemas; it needs no running server. */
export function openApiDocument({ version, basePath = "/api/v1" }: OpenApiOptions): Record<string, unknown> {
  const app = new Elysia();
  for (const [name, route] of documented()) {
    const { body, query, params } = route;
    app.route(route.method, servedPath(route, basePath), () => undefined, {
      ...(body && { body, parse: "json" as const }),
      ...(query && { query }),
      ...(params && { params }),
      detail: operationOf(name),
    });
  }
  const { paths } = toOpenAPISchema(app);
  for (const [name, route] of documented()) addHeaders(paths, route, basePath, headersOf(name));
  const document = {
    openapi: "3.1.0",
    info: { title: "Hermes", version, description: DESCRIPTION, license: { name: "MIT", identifier: "MIT" } },
    servers: [{ url: "/" }],
    tags: [...new Set(documented().map(([, { tag }]) => tag))].map((name) => ({ name })),
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", description: "A key from the configuration." },
      },
      schemas: SCHEMAS,
      responses: Object.fromEntries(
        Object.entries(ERROR_RESPONSES).map(([status, description]) => [
          status,
          { description, content: { "application/problem+json": { schema: ref("Problem") } } },
        ]),
      ),
    },
  };
  return JSON.parse(JSON.stringify(document)) as Record<string, unknown>; // drops what only TypeBox understands
}

function documented(): [keyof typeof ROUTES, Route][] {
  return (Object.entries(ROUTES) as [keyof typeof ROUTES, Route][]).filter(
    ([, { tag }]) => tag !== "Documentation",
  );
}

/** The generator documents only headers that are validated; these are read by hand. */
function addHeaders(paths: object, route: Route, basePath: string, headers: readonly object[]): void {
  if (headers.length === 0) return;
  const path = servedPath(route, basePath).replace(/:([a-z_]+)/g, "{$1}");
  const operations = (paths as Record<string, Record<string, { parameters?: object[] }>>)[path];
  const operation = operations?.[route.method.toLowerCase()];
  if (operation) operation.parameters = [...(operation.parameters ?? []), ...headers];
}

/** The documentation as answers. */
export function createDocs({ version, config }: Edge) {
  const document = JSON.stringify(openApiDocument({ version, basePath: config.current.api.base_path }));
  const serve = (type: string, body: string, headers: Record<string, string> = {}) => {
    return (admission: Admission) => content(admission, body, { "content-type": type, ...headers });
  };
  return {
    page: serve("text/html; charset=utf-8", PAGE, {
      "content-security-policy": PAGE_POLICY,
      "referrer-policy": "no-referrer",
      "x-frame-options": "DENY",
    }),
    document: serve("application/json", document),
    script: serveFile(scriptFile, "text/javascript; charset=utf-8"),
    start: serve("text/javascript; charset=utf-8", START, { "cache-control": "public, max-age=3600" }),
    style: serveFile(styleFile, "text/css; charset=utf-8"),
    icon: serveFile(iconFile, "image/png"),
  };
}
