let text: string | null = null;

/** One sentence of good news for the page that opens next, such as "Your appointment has been moved". */
export const flash = {
  leave(news: string): void {
    text = news;
  },
  /** What was left, once. */
  take(): string | null {
    const news = text;
    text = null;
    return news;
  },
};
