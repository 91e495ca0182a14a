import { sameSecret } from "../lib/secrets.ts";
import type { Scheme } from "./contract.ts";
import { accepted, headerOf, refused, usableSecrets } from "./verdict.ts";

const HEADER = "x-gitlab-token";

/**
 * GitLab's secret token (docs.gitlab.com/user/project/integrations/webhooks): the secret itself in a header. It proves who sends
 * and signs nothing, so that only TLS keeps others from reading it and from then on sending what they like. A GitLab with a
 * signing token uses Standard Webhooks, which is better in every way.
 */
export const GITLAB: Scheme = {
  name: "gitlab",
  headers: [HEADER],
  beforeBody: isSecret,
  verify: ({ headers }, secrets) =>
    isSecret(headers, secrets) ? accepted(null, null) : refused("the token is missing or wrong"),
  sign: (_body, secret) => ({ [HEADER]: secret }),
};

function isSecret(...[headers, secrets]: Parameters<NonNullable<Scheme["beforeBody"]>>): boolean {
  const given = headerOf(headers, HEADER);
  return given !== null && usableSecrets(secrets).some((secret) => sameSecret(given, secret));
}
