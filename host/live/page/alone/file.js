// Modules and workers are not loaded of files: whoever opens the page so is told what to do.

addEventListener("DOMContentLoaded", () => {
  const problem = document.getElementById("problem");
  if (location.protocol !== "file:" || !problem) return;
  problem.textContent = "a browser runs this page only from a server: python3 -m http.server in its folder, then localhost:8000";
  problem.hidden = false;
});
