# The image of the service (the last stage, so `docker build .` makes it) and, as `--target development`, the one with which
# docker-compose.yml prepares and plays the outside world. Neither runs as root; the service's image holds no development package.

FROM node:20.20.2-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund

FROM packages AS build
COPY tsconfig.json tsconfig.build.json ./
COPY src/ src/
COPY pages/ pages/
RUN node_modules/.bin/tsc -p tsconfig.build.json && node pages/build.mjs dist/pages && npm prune --omit=dev --no-audit --no-fund

FROM packages AS development
ENV NODE_ENV=development
COPY tsconfig.json ./
COPY src/ src/
COPY dev/ dev/
# Volumes mounted here take over its owner.
RUN install --directory --owner=node --group=node .data
USER node
CMD ["node", "--import", "tsx", "dev/compose/setup.ts"]

FROM development AS sample-client
EXPOSE 3010 3011
CMD ["node", "--import", "tsx", "dev/sample-client/main.ts"]

FROM node:20.20.2-bookworm-slim AS service
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules/ node_modules/
COPY --from=build /app/dist/ dist/
COPY migrations/ migrations/
# What development mode trusts when no list is configured; production refuses to start without lists of its own.
COPY dev/sample-lists/ dev/sample-lists/
RUN install --directory --owner=node --group=node .data
USER node
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.PORT || 3000) + '/health/live').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/main.js"]
