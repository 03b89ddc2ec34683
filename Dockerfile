# The directory and the headless relay in one image. Node runs their TypeScript as it is; only the app is built.

FROM node:24-slim AS app
WORKDIR /app
COPY package.json package-lock.json ./
# No package needs its scripts here: the one that has some brings the Node that this image has already.
RUN npm ci --ignore-scripts
COPY vite.config.ts tsconfig.json ./
COPY shared ./shared
COPY circuits ./circuits
COPY web ./web
COPY release ./release
RUN node node_modules/vite/bin/vite.js build

FROM node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --omit=dev && rm -rf node_modules/node node_modules/.bin

FROM node:24-slim
ENV NODE_ENV=production HG_HOST=0.0.0.0 HG_DATA_DIR=/data
RUN mkdir /data && chown node:node /data
WORKDIR /app
COPY package.json LICENSE ./
COPY --from=packages /app/node_modules ./node_modules
COPY --from=app /app/dist ./dist
COPY shared ./shared
COPY circuits ./circuits
COPY web/transport ./web/transport
COPY relay ./relay
COPY signaling-server ./signaling-server
USER node
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.HG_PORT || 8080) + '/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "signaling-server/main.ts"]
