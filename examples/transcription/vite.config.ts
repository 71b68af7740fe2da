import { defineConfig } from 'vite';

const {
  DEEPGRAM_API_KEY: key,
  DEEPGRAM_URL: service = 'wss://api.deepgram.com/v1/listen',
  DEEPGRAM_TOKEN_URL: grant = 'https://api.deepgram.com/v1/auth/grant',
} = process.env;
if (key === undefined) {
  throw new Error('Set DEEPGRAM_API_KEY to a key of your own: console.deepgram.com has free ones.');
}

/** The part of your server that keeps the secret: pages get a token that expires. */
async function token(): Promise<string> {
  const answer = await fetch(grant, {
    method: 'POST',
    headers: { Authorization: `Token ${key}` },
  });
  if (!answer.ok) throw new Error(`Deepgram gave no token: ${answer.status}`);
  return ((await answer.json()) as { access_token: string }).access_token;
}

export default defineConfig({
  // Vite does not look into a Worker before it starts.
  optimizeDeps: { include: ['micwire/worker', 'micwire/services/deepgram-listen'] },
  plugins: [
    {
      name: 'token',
      configureServer({ middlewares }) {
        middlewares.use('/service', (_request, response) => void response.end(service));
        middlewares.use('/token', (_request, response) => {
          token().then(
            (text) => response.end(text),
            (error) => response.writeHead(502).end(String(error.message)),
          );
        });
      },
    },
  ],
});
