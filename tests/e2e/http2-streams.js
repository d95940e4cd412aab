// node http2-streams.js URL CA_FILE HEADERS_JSON..: a GET of URL for each set of headers, side by side over one HTTP/2
// connection. Prints a line for whatever happens to one of them (counted from 0): `1 status 200`, `1 data "…"`,
// `1 reset 8`, `1 end`; and `connection closed`.
const http2 = require('node:http2');
const { readFileSync } = require('node:fs');

const [url, ca, ...requests] = process.argv.slice(2);
const { origin, pathname, search } = new URL(url);
const session = http2.connect(origin, { ca: readFileSync(ca) });
session.on('error', (error) => console.log(`connection failed: ${error.message}`));
session.on('close', () => console.log('connection closed'));
requests.forEach((headers, number) => {
  const stream = session.request({ ':path': pathname + search, ...JSON.parse(headers) });
  const say = (what) => console.log(`${number} ${what}`);
  stream.setEncoding('utf8');
  stream.on('response', (answer) => say(`status ${answer[':status']}`));
  stream.on('data', (text) => say(`data ${JSON.stringify(text)}`));
  // A reset is told by its code, below.
  stream.on('error', () => {});
  stream.on('close', () => say(stream.rstCode === http2.constants.NGHTTP2_NO_ERROR ? 'end' : `reset ${stream.rstCode}`));
  stream.end();
});
