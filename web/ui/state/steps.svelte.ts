let begun = $state.raw(false);

/** Whether the first screens were begun in this tab: only then is there a way back to the first of them. */
export const firstSteps = {
  get begun(): boolean {
    return begun;
  },
  begin(): void {
    begun = true;
  },
};
