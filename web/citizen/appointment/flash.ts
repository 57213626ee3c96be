/** Good news for the page that opens next, such as "Your appointment has been moved". */
export interface News {
  readonly title: string;
  readonly text: string;
}

let left: News | null = null;

export const flash = {
  leave(news: News): void {
    left = news;
  },
  /** What was left, once. */
  take(): News | null {
    const news = left;
    left = null;
    return news;
  },
};
