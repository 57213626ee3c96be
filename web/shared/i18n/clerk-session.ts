import { area } from "./area";

/** The clerk's session, and what was typed but is not saved yet. */
export const sessionTexts = area(
  "clerk-session",
  {
    unreachableTitle: "Der Server antwortet gerade nicht",
    unreachableBody: "Sie sind nicht abgemeldet. Wir versuchen es alle paar Sekunden wieder; sobald der Server antwortet, geht es hier weiter.",
    retry: "Jetzt noch einmal versuchen",

    leftovers: "Noch nicht gespeichert",
    leftover: (name: string) => `Was Sie bei ${name} eingegeben haben, ist noch nicht gespeichert. Wir speichern es, sobald es geht.`,
    leftoverStuck: (name: string) => `Was Sie bei ${name} eingegeben haben, kann so nicht gespeichert werden. Öffnen Sie den Fall und sehen Sie nach.`,
    toCase: "Zum Fall",
    discard: "Verwerfen",
    discardTitle: "Eingaben verwerfen?",
    discardBody: (name: string) => `Was Sie bei ${name} eingegeben haben und was noch nicht gespeichert ist, geht verloren.`,
    keep: "Behalten",

    signOutTitle: "Abmelden, obwohl nicht alles gespeichert ist?",
    signOutBody: "Der Server antwortet gerade nicht oder nimmt etwas nicht an. Wenn Sie sich jetzt abmelden, gehen diese Eingaben verloren.",
    stay: "Angemeldet bleiben",
    signOutAnyway: "Trotzdem abmelden",
  },
  {
    unreachableTitle: "The server is not answering right now",
    unreachableBody: "You have not been signed out. We keep trying every few seconds, and go on here as soon as the server answers.",
    retry: "Try again now",

    leftovers: "Not saved yet",
    leftover: (name: string) => `What you entered for ${name} is not saved yet. We will save it as soon as we can.`,
    leftoverStuck: (name: string) => `What you entered for ${name} cannot be saved as it is. Please open the case and have a look.`,
    toCase: "Open the case",
    discard: "Discard",
    discardTitle: "Discard what you entered?",
    discardBody: (name: string) => `What you entered for ${name} and what is not saved yet will be lost.`,
    keep: "Keep it",

    signOutTitle: "Sign out although not everything is saved?",
    signOutBody: "The server is not answering right now, or does not accept something. If you sign out now, these entries will be lost.",
    stay: "Stay signed in",
    signOutAnyway: "Sign out anyway",
  },
);
