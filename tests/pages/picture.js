// Small pictures that look the same on every machine.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const png = require('upng-js');
const COLOURS = 256;

const face = (family, file) => {
  const font = readFileSync(require.resolve(file)).toString('base64');
  return `@font-face { font-family: "${family}"; font-weight: 100 900;
    src: url(data:font/woff2;base64,${font}) format("woff2"); }`;
};

/** The fonts that a person's own system would bring. */
export const FONTS = `
${face('Picture Sans', '@fontsource-variable/inter/files/inter-latin-wght-normal.woff2')}
${face('Picture Mono', '@fontsource-variable/jetbrains-mono/files/jetbrains-mono-latin-wght-normal.woff2')}
body { font-family: "Picture Sans"; }
code, pre, output { font-family: "Picture Mono"; font-variant-ligatures: none; }`;

/** Writes a screenshot with a palette. */
export const save = (path, screenshot) => {
  const image = png.decode(screenshot);
  const [pixels] = png.toRGBA8(image);
  writeFileSync(path, Buffer.from(png.encode([pixels], image.width, image.height, COLOURS)));
};
