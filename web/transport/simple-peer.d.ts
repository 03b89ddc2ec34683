/** The browser build: one file that runs as it is in a page and in Node. Its types are those of the package. */
declare module 'simple-peer/simplepeer.min.js' {
  import SimplePeer = require('simple-peer');
  export = SimplePeer;
}
