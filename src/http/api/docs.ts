import { admittedPlugin } from "../admission.ts";
import type { Edge } from "../edge.ts";
import { ROUTES } from "../routes.ts";

/** `/swagger`: the OpenAPI document and the page that shows it. Loaded at the first request, for few ask. */
export function docsApi(edge: Edge) {
  const load = async () => (await import("../docs.ts")).createDocs(edge);
  let docs: ReturnType<typeof load> | undefined;
  const loaded = () => {
    docs ??= load();
    return docs;
  };
  return admittedPlugin()
    .get(ROUTES.docs.path, async ({ admission }) => (await loaded()).page(admission))
    .get(ROUTES.docsDocument.path, async ({ admission }) => (await loaded()).document(admission))
    .get(ROUTES.docsScript.path, async ({ admission, request }) =>
      (await loaded()).script(admission, request),
    )
    .get(ROUTES.docsStart.path, async ({ admission }) => (await loaded()).start(admission))
    .get(ROUTES.docsStyle.path, async ({ admission, request }) => (await loaded()).style(admission, request))
    .get(ROUTES.docsIcon.path, async ({ admission, request }) => (await loaded()).icon(admission, request));
}
