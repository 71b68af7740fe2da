/** Whether this is the lab as files alone (`npm run build:lab`): behind the page is a host of files, and no server of the lab's. */
export const IS_STATIC: boolean = import.meta.env.MODE === 'static';
