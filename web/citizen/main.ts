import "$shared/ui/app.css";

import { mount } from "svelte";

import { language } from "$shared/i18n/language.svelte";
import { guardPresses } from "$shared/ui/activation";
import { keepFocus } from "$shared/ui/focus";
import { surviveTranslation } from "$shared/ui/translation";
import App from "./App.svelte";

document.documentElement.lang = language.current;
guardPresses();
keepFocus();
surviveTranslation(document.body);

const target = document.getElementById("app");
// Below the floor of browsers the document itself says what to do (public/assets/floor-1.js).
if (target && !document.documentElement.classList.contains("too-old")) mount(App, { target });
