import { describe, expect, it } from "vitest";

import { prepared } from "./frame";
import { addressOf, closest, kindsOf, subjectAndBody, type Preview } from "./previews";

const mail = (kind: Preview["kind"], language: Preview["language"] = "de", plain = false): Preview => ({ kind, language, plain });

describe("the mails that can be looked at", () => {
  const all = [mail("confirmation"), mail("confirmation", "de", true), mail("confirmation", "en"), mail("receipt")];

  it("are of these kinds, each once, as the service orders them", () => {
    expect(kindsOf(all)).toEqual(["confirmation", "receipt"]);
  });

  it("are found as wished, or in ordinary language where there is no plain one", () => {
    expect(closest(all, mail("confirmation", "de", true))).toEqual(mail("confirmation", "de", true));
    expect(closest(all, mail("receipt", "de", true))).toEqual(mail("receipt"));
    expect(closest(all, mail("receipt", "en"))).toBeNull();
  });

  it("have an address for each form", () => {
    expect(addressOf(mail("no_show", "en", true), "text")).toBe("/api/notify/preview/no_show?language=en&plain=true&format=text");
  });

  it("have a subject apart from what they say", () => {
    expect(subjectAndBody("Ihr Termin\n\nGuten Tag,\n\nbis dann.\n")).toEqual({ subject: "Ihr Termin", body: "Guten Tag,\n\nbis dann." });
  });
});

describe("a mail that is drawn into a frame", () => {
  it("has its styles put aside, since the policy of the page would drop them", () => {
    const html = '<html><head><style>:root { color-scheme: light dark; }</style></head><body style="margin:0"><p style="color:red">x</p></body></html>';
    expect(prepared(html)).toEqual({
      markup: '<html><head></head><body data-style="margin:0"><p data-style="color:red">x</p></body></html>',
      sheets: [":root { color-scheme: light dark; }"],
    });
  });

  it("keeps its words, also those that look like a style", () => {
    expect(prepared('<p>say style="x" here</p>').markup).toBe('<p>say style="x" here</p>');
  });
});
