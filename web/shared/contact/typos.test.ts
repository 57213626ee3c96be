import { describe, expect, it } from "vitest";

import { cleanEmail } from "./email";
import { meantEmail } from "./typos";

describe("a mistyped address", () => {
  it.each([
    ["gmial.com", "gmail.com"], ["gmai.com", "gmail.com"], ["gmaill.com", "gmail.com"], ["gnail.com", "gmail.com"], ["gamil.com", "gmail.com"], ["gmail.co", "gmail.com"],
    ["gmail.con", "gmail.com"], ["gmial.con", "gmail.com"], ["gmail.cm", "gmail.com"], ["gmail", "gmail.com"], ["gmailcom", "gmail.com"], ["gmail,com", "gmail.com"],
    ["gmail..com", "gmail.com"], ["gmail.de", "gmail.com"], ["GMIAL.COM", "gmail.com"], ["gmeil.com", "gmail.com"], ["googelmail.com", "googlemail.com"],
    ["gxm.de", "gmx.de"], ["gmxx.de", "gmx.de"], ["gmx.ed", "gmx.de"], ["gmx.dee", "gmx.de"], ["gmx.d", "gmx.de"], ["gmx", "gmx.de"], ["gmxde", "gmx.de"], ["gmx.nett", "gmx.net"],
    ["wbe.de", "web.de"], ["webb.de", "web.de"], ["web.dr", "web.de"], ["web,de", "web.de"],
    ["t-onlin.de", "t-online.de"], ["t-onlien.de", "t-online.de"], ["tonline.de", "t-online.de"], ["t-oline.de", "t-online.de"], ["t-online.ed", "t-online.de"],
    ["hotmial.com", "hotmail.com"], ["hotmil.com", "hotmail.com"], ["homtail.de", "hotmail.de"], ["hotmali.con", "hotmail.com"], ["hotnail.com", "hotmail.com"],
    ["outlok.de", "outlook.de"], ["outllok.com", "outlook.com"], ["oulook.com", "outlook.com"], ["outlook.con", "outlook.com"],
    ["iclod.com", "icloud.com"], ["icluod.com", "icloud.com"], ["icloud.de", "icloud.com"], ["yahho.de", "yahoo.de"], ["yaho.com", "yahoo.com"],
    ["frenet.de", "freenet.de"], ["freent.de", "freenet.de"], ["psoteo.de", "posteo.de"], ["posteo.ed", "posteo.de"], ["mailbx.org", "mailbox.org"], ["mailbox.ogr", "mailbox.org"],
    ["stadtwerke.con", "stadtwerke.com"], ["uni-heidelberg.ed", "uni-heidelberg.de"],
  ])("amelie@%s is asked about: %s", (typed, meant) => {
    expect(meantEmail(`amelie.m+amt@${typed}`)).toBe(`amelie.m+amt@${meant}`);
  });

  it.each([
    "gmail.com", "googlemail.com", "gmx.de", "gmx.net", "gmx.at", "gmx.ch", "gmx.org", "web.de", "t-online.de", "online.de", "email.de", "email.com", "mail.de", "mail.com", "ymail.com",
    "outlook.fr", "hotmail.co.uk", "live.nl", "icloud.com", "me.com", "proton.me", "pm.me", "posteo.net", "mailbox.org", "freenet.de", "aol.de", "mail.ru", "wp.pl", "o2.pl",
  ])("a real provider is never doubted: %s", (domain) => {
    expect(meantEmail(`amelie@${domain}`)).toBeNull();
  });

  it.each([
    "heidelberg.de", "stadt.heidelberg.de", "sap.com", "bosch.de", "gms.de", "gmb.de", "bmx.de", "wdb.de", "wep.de", "webers.de", "web-werk.de", "gmx-beratung.de", "gmail-shop.de", "posten.de",
    "freenow.com", "hotelmail.de", "mailboxes.org", "outlaws.com", "onlinedruck.de", "t-systems.com", "yacht.com", "acor.com", "ol.de", "ole.com", "liva.de", "uni-ol.de", "bund.de", "firma.co",
    "cameroon.cm", "oman.om", "xn--mller-kva.de", "müller.de", "example.museum", "laden.shop", "handwerk.online",
  ])("a company's own domain is never doubted: %s", (domain) => {
    expect(meantEmail(`amelie@${domain}`)).toBeNull();
  });

  it.each(["", "amelie", "@gmial.com", "amelie@", "a b@gmial.com"])("what is no address at all is the error's business: %j", (text) => {
    expect(meantEmail(text)).toBeNull();
  });

  it("is asked about once: what was meant is not doubted itself", () => {
    const meant = meantEmail("amelie@gmial.con");
    expect(meantEmail(meant ?? "")).toBeNull();
  });
});

describe("what pasting brings along", () => {
  it.each([
    [" amelie@gmail.com\u00a0", "amelie@gmail.com"],
    ["\u200bamelie\u200d@gmail\u00ad.com\ufeff", "amelie@gmail.com"],
    ["\u202aamelie@gmail.com\u202c", "amelie@gmail.com"],
    ["amelie @ gmail.com", "amelie@gmail.com"],
    ["mailto:amelie@gmail.com", "amelie@gmail.com"],
    ["Amélie Müller <amelie@gmail.com>", "amelie@gmail.com"],
    ["amelie@gmail.com,", "amelie@gmail.com"],
    ["amelie@gmail.com.", "amelie@gmail.com"],
    ["Amélie.Müller@gmail.com", "Amélie.Müller@gmail.com"],
    ["amelie müller@gmail.com", "amelie müller@gmail.com"],
  ])("%j becomes %j", (pasted, clean) => {
    expect(cleanEmail(pasted)).toBe(clean);
  });
});
