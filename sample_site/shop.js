/* The shop: a cart in the browser's storage, and the five moments worth telling the gateway.

   Page views are not among them: the snippet sends those by itself. Look for `window.oct &&`
   to find the calls. The guard is there because a visitor may block the snippet, and the shop
   has to work all the same. Loaded with `defer`, so the page and `oct` exist by now. */

"use strict";

const PRODUCTS = {
  101: { name: "Kilo mug", price: 18, page: "product-mug.html", plate: "plate-mug", image: "mug.svg" },
  102: { name: "Alphabet poster", price: 32.5, page: "product-poster.html", plate: "plate-poster", image: "poster.svg" },
};
const QUANTITY_MAX = 20;
const CURRENCY = "USD";


/* ---- The five calls ------------------------------------------------------------------- */

/* 1. On a product's page: something goes into the cart. Returns how many found room there. */
function addToCart(productId, wanted) {
  const cart = readCart() || { id: randomId("cart"), order_id: randomId("order"), quantities: {} };
  const before = cart.quantities[productId] || 0;
  const quantity = Math.min(wanted, QUANTITY_MAX - before);
  if (quantity === 0) return 0;
  cart.quantities[productId] = before + quantity;
  write("cart", cart);

  window.oct && oct.eventT("add_to_shopping_cart", added(productId, quantity));
  return quantity;
}

/* 2. The checkout was opened with something in the cart. */
function checkoutOpened(cart) {
  window.oct && oct.eventT("checkout_page_visited", checkout(cart));
}

/* 3. The visitor says who they are. Once is enough, unless the address changes.
      A third object would fill custom fields of the subscriber. */
function identify(cart, email, names) {
  if (cart.identified === email) return;
  window.oct && oct.eventI(email, names);

  cart.identified = email;
  write("cart", cart);
}

/* 4. The card company said yes or no. */
function paymentFailed(cart) {
  window.oct && oct.eventT("payment_failed", { cart_id: cart.id, reason: "card_declined" });
}

function paymentSucceeded(cart) {
  window.oct && oct.eventT("payment_succeeded", { cart_id: cart.id });
}

/* 5. On the thank-you page: the conversion. Its id is the order's, so that a reload,
      which sends it again, is not counted again. */
function orderPlaced(order) {
  window.oct && oct.eventC(order.id, orderName(order), order.value, conversion(order));
}

/* The properties, apart from the calls because the pages also print them. */
const added = (productId, quantity) => ({ product: PRODUCTS[productId].name, product_id: Number(productId), price: PRODUCTS[productId].price, quantity });
const checkout = (cart) => ({ cart_id: cart.id, cart_value: cartValue(cart) });
const conversion = (order) => ({ "conversion-currency": CURRENCY, "conversion-quantity": order.quantity });
const orderName = (order) => "Order " + order.id.replace("order-", "");


/* ---- The pages ------------------------------------------------------------------------ */

const $ = (id) => document.getElementById(id);

function productPage() {
  const form = $("add-form");
  const productId = form.dataset.productId;
  const quantity = () => Math.min(Math.max(Math.round(Number($("quantity").value)) || 1, 1), QUANTITY_MAX);
  const show = () => showCall("call-add", "eventT", "add_to_shopping_cart", added(productId, quantity()));

  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const count = addToCart(productId, quantity());
    const message = count ? `Added: ${count} × ${PRODUCTS[productId].name}. ` : `The cart holds ${QUANTITY_MAX} of these and no more. `;
    $("add-message").replaceChildren(message, element("a", { href: "cart.html" }, "Go to the cart"));
    drawCount();
  });
  show();
}

function cartPage() {
  const draw = () => {
    const cart = readCart();
    drawCart(cart, (id) => editLine(id, cart, draw));
    if (cart) showCall("call-checkout", "eventT", "checkout_page_visited", checkout(cart));
  };
  onReturn(draw);
  draw();
}

function checkoutPage() {
  const form = $("checkout-form");
  const text = (id) => $(id).value.trim();
  const names = () => ({ firstName: text("first-name"), lastName: text("last-name") });

  const draw = () => {
    const cart = readCart();
    drawCart(cart, (id) => element("span", { class: "many" }, `${cart.quantities[id]} × ${money(PRODUCTS[id].price)}`));
    $("pay").disabled = false;
    if (!cart) return;
    $("pay").textContent = "Pay " + money(cartValue(cart));
    showCall("call-checkout", "eventT", "checkout_page_visited", checkout(cart));
    showCall("call-identify", "eventI", text("email") || "you@example.com", names());
    if ($("card-good").checked) showCall("call-payment", "eventT", "payment_succeeded", { cart_id: cart.id });
    else showCall("call-payment", "eventT", "payment_failed", { cart_id: cart.id, reason: "card_declined" });
  };

  form.addEventListener("input", draw);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const cart = readCart();
    if (!cart) return draw();

    $("payment-message").hidden = true;
    identify(cart, text("email"), names());

    if ($("card-declined").checked) {
      paymentFailed(cart);
      $("payment-message").replaceChildren(
        element("img", { src: "flag-n.svg", alt: "Signal flag N: no", width: "30", height: "24" }),
        element("span", {}, element("b", {}, "The card was declined."), " Nothing was taken and your cart is still here. Try the other card."),
      );
      $("payment-message").hidden = false;
      return;
    }

    $("pay").disabled = true;
    paymentSucceeded(cart);
    write("order", { id: cart.order_id, value: cartValue(cart), quantity: cartQuantity(cart), first_name: names().firstName });
    write("cart", null);
    location.href = "thank-you.html?order=" + encodeURIComponent(cart.order_id);
  });

  onReturn(draw);
  draw();
  const cart = readCart();
  if (cart) checkoutOpened(cart);
}

function thankYouPage() {
  const order = readOrder(new URLSearchParams(location.search).get("order"));
  $("order-known").hidden = !order;
  $("order-unknown").hidden = !!order;
  if (!order) return;

  const items = order.quantity === 1 ? "1 item" : `${order.quantity} items`;
  $("order-id").textContent = order.id;
  $("order-summary").textContent = `Flag C: affirmative. ${order.first_name ? order.first_name + ", your" : "Your"} order of ${items} for ${money(order.value)} is in.`;
  showCall("call-conversion", "eventC", order.id, orderName(order), order.value, conversion(order));
  orderPlaced(order);
}


/* ---- Drawing -------------------------------------------------------------------------- */

function drawCount() {
  const cart = readCart();
  const quantity = cart ? cartQuantity(cart) : 0;
  $("cart-count").textContent = quantity;
  $("cart-count").hidden = quantity === 0;
}

/* The cart's lines; `under` makes what stands under a product's name. */
function drawCart(cart, under) {
  drawCount();
  $("cart-empty").hidden = !!cart;
  $("cart-full").hidden = !cart;
  if (!cart) return;

  $("cart-items").replaceChildren(...Object.keys(cart.quantities).map((id) => {
    const { name, price, page, plate, image } = PRODUCTS[id];
    return element("li", { "data-product-id": id },
      element("div", { class: "plate " + plate }, element("img", { src: image, alt: "" })),
      element("a", { href: page }, name),
      element("span", { class: "price" }, money(price * cart.quantities[id])),
      under(id),
    );
  }));
  $("cart-total").textContent = money(cartValue(cart));
}

function editLine(id, cart, draw) {
  const set = (quantity) => {
    if (quantity > 0) cart.quantities[id] = Math.min(quantity, QUANTITY_MAX);
    else delete cart.quantities[id];
    write("cart", cartQuantity(cart) ? cart : null);
    draw();
  };
  const input = element("input", { id: "quantity-" + id, type: "number", inputmode: "numeric", min: "1", max: String(QUANTITY_MAX), value: String(cart.quantities[id]) });
  input.addEventListener("change", () => { set(Math.round(Number(input.value)) || 1); $("quantity-" + id).focus(); });
  const remove = element("button", { class: "plain", type: "button", "aria-label": "Remove " + PRODUCTS[id].name }, "Remove");
  remove.addEventListener("click", () => { set(0); $("main").querySelector("a, button").focus(); });
  return element("div", { class: "edit" }, element("label", { for: "quantity-" + id }, "Quantity"), input, remove);
}

/* Prints a call the way one would write it. */
function showCall(id, method, ...values) {
  $(id).textContent = `oct.${method}(${values.map(asCode).join(", ")})`;
}

function asCode(value) {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const key = (name) => (/^[a-z_$][\w$]*$/i.test(name) ? name : JSON.stringify(name));
  return `{ ${Object.keys(value).map((name) => `${key(name)}: ${asCode(value[name])}`).join(", ")} }`;
}

/* Text only: a string given as a child never becomes markup. */
function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const name of Object.keys(attributes)) made.setAttribute(name, attributes[name]);
  made.append(...children);
  return made;
}

const money = (amount) => "$" + amount.toFixed(2);

/* Back to a page the browser kept as it was, or a change in another tab. */
function onReturn(draw) {
  window.addEventListener("pageshow", (event) => { if (event.persisted) draw(); });
  window.addEventListener("storage", draw);
}


/* ---- The cart ------------------------------------------------------------------------- */

/* null when there is none. Storage holds whatever an earlier version, an extension or a
   curious visitor left there, so only what makes sense is taken. */
function readCart() {
  const kept = read("cart");
  if (!kept || typeof kept.id !== "string" || typeof kept.order_id !== "string") return null;
  const quantities = {};
  for (const id of Object.keys(PRODUCTS)) {
    const quantity = kept.quantities && kept.quantities[id];
    if (Number.isInteger(quantity) && quantity > 0) quantities[id] = Math.min(quantity, QUANTITY_MAX);
  }
  if (Object.keys(quantities).length === 0) return null;
  return { id: kept.id, order_id: kept.order_id, quantities, identified: kept.identified };
}

function readOrder(id) {
  const order = read("order");
  const sound = order && typeof order.id === "string" && Number.isFinite(order.value) && Number.isInteger(order.quantity);
  return sound && order.id === id ? order : null;
}

function cartQuantity(cart) {
  return Object.values(cart.quantities).reduce((sum, quantity) => sum + quantity, 0);
}

function cartValue(cart) {
  const sum = Object.keys(cart.quantities).reduce((sum, id) => sum + PRODUCTS[id].price * cart.quantities[id], 0);
  return Math.round(sum * 100) / 100;
}

/* Storage can be switched off, full, or throw when merely looked at. */
function read(name) {
  try { return JSON.parse(localStorage.getItem("shop." + name)); } catch { return null; }
}

function write(name, value) {
  try {
    if (value === null) localStorage.removeItem("shop." + name);
    else localStorage.setItem("shop." + name, JSON.stringify(value));
  } catch { /* The cart is then as short-lived as the page. */ }
}

function randomId(prefix) {
  const letters = "abcdefghjkmnpqrstuvwxyz23456789";
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return prefix + "-" + Array.from(bytes, (byte) => letters[byte % letters.length]).join("");
}


/* ---- Which page is this? -------------------------------------------------------------- */

drawCount();
if ($("add-form")) productPage();
else if ($("checkout-form")) checkoutPage();
else if ($("cart-items")) cartPage();
else if ($("order-id")) thankYouPage();
