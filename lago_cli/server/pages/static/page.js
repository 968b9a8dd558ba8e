// All works without this: it tries a metric out while it is typed, and keeps empty fields out of addresses.
'use strict';

for (const form of document.querySelectorAll('form[method=get]')) {
  form.addEventListener('formdata', ({formData}) => {
    for (const name of new Set(formData.keys())) {
      const values = formData.getAll(name).filter((value) => value !== '');
      formData.delete(name);
      values.forEach((value) => formData.append(name, value));
    }
  });
  form.addEventListener('change', ({target}) => {
    if (target.tagName === 'SELECT' || target.type === 'checkbox') form.requestSubmit();
  });
}

for (const form of document.querySelectorAll('form[data-try]')) {
  const shown = document.getElementById('trial');
  const said = document.getElementById('said');
  let timer, asked;
  const show = (html) => {
    const isOpen = shown.querySelector('details')?.open;
    shown.innerHTML = html;
    if (isOpen) shown.querySelector('details').open = true;
    said.textContent = shown.querySelector('h2').textContent;  // all of it would be too much to hear
  };
  form.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      asked?.abort();
      asked = new AbortController();
      const body = new URLSearchParams(new FormData(form));
      body.set('fragment', '1');
      try {
        const answer = await fetch(form.dataset.try, {method: 'POST', body, signal: asked.signal});
        if (answer.ok) show(await answer.text());
      } catch (error) {
        if (error.name !== 'AbortError') shown.textContent = 'The server does not answer.';
      }
    }, 300);
  });
}
