/** Saves what an address answers with under a name, as a click on a link would. */
export function saveFrom(url: string, filename = ""): void {
  const link = document.createElement("a");
  link.href = url;
  link.download = filename;
  document.body.append(link);
  link.click();
  link.remove();
}
