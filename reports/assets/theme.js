// Sets the reader's theme before the page is painted.
"use strict";
try {
  const theme = localStorage.getItem("convgauge-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch { /* storage is refused: the system's theme holds */ }
document.documentElement.classList.add("scripted");
