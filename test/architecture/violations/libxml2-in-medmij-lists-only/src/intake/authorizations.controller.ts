export const parser = () => import('libxml2-wasm'); // flagged
