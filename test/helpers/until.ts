/** As `eventually`, for code that also runs outside of Vitest. @throws what the check threw last, when it takes too long */
export async function until<Result>(
  check: () => Result | Promise<Result>,
  timeoutMs = 10_000,
): Promise<Result> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > endMs) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
