// A person without a mouse.

const PATIENCE = 30;

/** Presses Tab until what matches `selector` has the focus, and insists that each focus can be seen. */
export const tabTo = async (page, selector) => {
  const passed = [];
  for (let presses = 0; presses < PATIENCE; presses += 1) {
    const focus = await page.evaluate((wanted) => {
      const element = document.activeElement;
      const style = getComputedStyle(element);
      return {
        there: element.matches(wanted),
        name: `${element.localName} ${element.textContent.trim()}`,
        nothing: element === document.body || element === document.documentElement,
        seen: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0,
      };
    }, selector);
    if (!focus.nothing && !focus.seen) throw new Error(`${page.url()}: no outline around the focused ${focus.name}`);
    if (focus.there) return;
    passed.push(focus.name);
    await page.keyboard.press('Tab');
  }
  throw new Error(`${page.url()}: Tab never comes to ${selector}, only to ${passed.join(', ')}`);
};

/** Goes to what matches `selector`, presses Enter, and waits for the next page. */
export const follow = async (page, selector) => {
  await tabTo(page, selector);
  await enter(page);
};

/** Types the account where the focus is when the page opens, and sends the form. */
export const signIn = async (page, { user, password }) => {
  await tabTo(page, 'input[name=username]');
  await page.keyboard.press('Control+A');
  await page.keyboard.type(user);
  await tabTo(page, 'input[name=password]');
  await page.keyboard.type(password);
  await enter(page);
};

/** Types the code of a machine without a browser, and sends the form. */
export const typeCode = async (page, code) => {
  await tabTo(page, 'input[name=user_code]');
  await page.keyboard.press('Control+A');
  await page.keyboard.type(code);
  await enter(page);
};

const enter = async (page) => {
  const loaded = page.waitForEvent('load');
  await page.keyboard.press('Enter');
  await loaded;
};
