import DefaultTheme from 'vitepress/theme';
import type { Theme } from 'vitepress';
import RunSnippet from './RunSnippet.vue';
import './site.css';

export default {
  extends: DefaultTheme,
  enhanceApp({ app }) {
    app.component('RunSnippet', RunSnippet);
  },
} satisfies Theme;
