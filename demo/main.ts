import './elements/lab-page.ts';
