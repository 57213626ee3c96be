import "$shared/ui/app.css";

import { mount } from "svelte";

import { language } from "$shared/i18n/language.svelte";
import App from "./App.svelte";

document.documentElement.lang = language.current;

const target = document.getElementById("app");
if (target) mount(App, { target });
