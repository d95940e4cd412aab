// One page in every look that people have: light and dark, desk and phone.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const DESK = { width: 1280, height: 800 };
const PHONE = { width: 360, height: 740 };
// The width at which WCAG 2.2 (1.4.10) still forbids scrolling sideways.
const NARROW = { width: 320, height: 640 };

const LOOKS = [
  { name: 'dark', size: DESK, colorScheme: 'dark' },
  { name: 'dark phone', size: PHONE, colorScheme: 'dark' },
  { name: 'light narrow', size: NARROW, colorScheme: 'light' },
  { name: 'light phone', size: PHONE, colorScheme: 'light' },
  { name: 'light', size: DESK, colorScheme: 'light' },
];

/** What is wrong with the page in any look. */
export const judgeLooks = async (page) => {
  const problems = [];
  // The debugger's own way in: a policy without scripts stays in force.
  await page.evaluate(AXE);
  for (const { name, size, colorScheme } of LOOKS) {
    await page.setViewportSize(size);
    await page.emulateMedia({ colorScheme });
    const found = [...(await sideways(page)), ...(await axe(page))];
    problems.push(...found.map((problem) => `${name}: ${problem}`));
  }
  return problems;
};

const sideways = async (page) =>
  page.evaluate(() => {
    const root = document.documentElement;
    const edge = document.querySelector('main').getBoundingClientRect().right;
    const over = [...document.querySelectorAll('main *')].filter((one) => one.getBoundingClientRect().right > edge + 1);
    const problems = over.map((one) => `runs out of its card: ${one.outerHTML}`);
    if (root.scrollWidth > root.clientWidth) {
      problems.push(`scrolls sideways: ${root.scrollWidth} px in ${root.clientWidth} px`);
    }
    return problems;
  });

const axe = async (page) => {
  const violations = await page.evaluate(async () => {
    const outcome = await window.axe.run(document, { rules: { 'target-size': { enabled: true } } });
    return outcome.violations.map(({ id, help, nodes }) => ({ id, help, where: nodes.map((node) => node.html) }));
  });
  return violations.map(({ id, help, where }) => `axe ${id}: ${help}: ${where.join(' ')}`);
};
