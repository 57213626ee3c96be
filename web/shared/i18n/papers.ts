import { area } from "./area";

/** What a citizen has after the call. */
export const papers = area(
  "papers",
  {
    title: "Ihre Unterlagen",
    receipt: "Quittung herunterladen",
    application: (title: string) => `Antrag herunterladen: ${title}`,
    pending: "Die Quittung entsteht noch. Bitte versuchen Sie es gleich noch einmal.",
    until: "Sie finden alles unter diesem Link, bis Ihre Daten gelöscht werden.",
    todo: "Das fehlt noch",
  },
  {
    title: "Your documents",
    receipt: "Download the receipt",
    application: (title: string) => `Download the application: ${title}`,
    pending: "The receipt is being made. Please try again in a moment.",
    until: "You find everything under this link until your data is erased.",
    todo: "Still to do",
  },
);
