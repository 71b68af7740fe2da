/** Whether this is the lab as files alone (`npm run build:lab`): behind the page is a host of files, and no server of the lab's. */
export const IS_STATIC: boolean = import.meta.env.MODE === 'static';

/** Where messages go, for the middle of a sentence. */
export const FAR_END: string = IS_STATIC ? 'Worker' : 'server';
