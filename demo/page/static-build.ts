/** Whether this is the static lab (`npm run build:lab`): the page comes from a file host, and there is no lab server. */
export const IS_STATIC: boolean = import.meta.env.MODE === 'static';

/** Where messages go, for the middle of a sentence. */
export const FAR_END: string = IS_STATIC ? 'Worker' : 'server';
