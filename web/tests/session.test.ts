import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { patientFetch, rememberCsrfToken } from "@/shared/api/client";
import { listenForLostSession, sessionIs } from "@/shared/api/lostSession";

const told = (status: number, reason: string) =>
  new Response(JSON.stringify({ error: { reason, message: "", request_id: "r" } }), { status });
let answers: Response[];
let sent: Request[];

beforeEach(() => {
  sent = [];
  vi.stubGlobal("fetch", async (request: Request) => {
    sent.push(request);
    return answers.shift() as Response;
  });
});
afterEach(() => vi.unstubAllGlobals());

const post = () => new Request("http://studio/api/v1/projects", { method: "POST", body: '{"name":"달"}' });

test("a request whose session ran out is sent once more, when the person is signed in again", async () => {
  answers = [told(401, "SIGN_IN"), new Response("{}", { status: 201 })];
  rememberCsrfToken("old");
  const silence = listenForLostSession(() => {
    rememberCsrfToken("new");
    queueMicrotask(() => sessionIs(true));
  });
  expect((await patientFetch(post())).status).toBe(201);
  expect(sent.map((request) => request.headers.get("X-CSRF-Token"))).toEqual(["old", "new"]);
  expect(await sent[1]?.text()).toBe('{"name":"달"}');
  silence();
});

test("a request is answered as it was, when the person does not sign in again", async () => {
  answers = [told(401, "SIGN_IN")];
  const silence = listenForLostSession(() => queueMicrotask(() => sessionIs(false)));
  expect((await patientFetch(post())).status).toBe(401);
  expect(sent).toHaveLength(1);
  silence();
});

test.each(["WRONG_PASSWORD", "WRONG_CREDENTIALS"])("%s is no lost session", async (reason) => {
  answers = [told(401, reason)];
  let asked = false;
  const silence = listenForLostSession(() => {
    asked = true;
  });
  expect((await patientFetch(post())).status).toBe(401);
  expect(asked).toBe(false);
  silence();
});
