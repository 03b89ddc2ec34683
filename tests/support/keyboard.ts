import type { Tab } from '#tests/support/browser.ts';
import { eventually } from '#tests/support/test-network.ts';

/** More places than any screen has on which the focus can be. */
const PLACES = 120;

/** A person who has a keyboard and nothing else. */
export class Keyboard {
  readonly #tab: Tab;

  constructor(tab: Tab) {
    this.#tab = tab;
  }

  press(key: string): Promise<void> {
    return this.#tab.page.keyboard.press(key);
  }

  type(text: string): Promise<void> {
    return this.#tab.page.keyboard.type(text);
  }

  /** Goes on until the focus is on what a test calls by this name, once it is there, and is seen there. */
  async reach(id: string): Promise<void> {
    await this.#tab.page.getByTestId(id).first().waitFor();
    for (let i = 0; i < PLACES; i++) {
      if (await this.#isOn(id)) return;
      await this.press('Tab');
    }
    throw new Error(`no way leads to ${id} by the keyboard`);
  }

  async reachAndPress(id: string, key = 'Enter'): Promise<void> {
    await this.reach(id);
    await this.press(key);
  }

  /** Until the app has put the focus there by itself. */
  async isBroughtTo(id: string): Promise<void> {
    await eventually(`the focus on ${id}`, () => this.#isOn(id));
  }

  /** On it, or in it. */
  #isOn(id: string): Promise<boolean> {
    return this.#tab.page.evaluate((wanted) => {
      const on = document.activeElement;
      return on !== null && on.closest(`[data-testid="${wanted}"]`) !== null;
    }, id);
  }
}
