/** How a build may be shown: ui/ui.ts. Apart, for help is quick and needs no more. */
export const uiKinds = ['pretty', 'plain', 'json'] as const;
