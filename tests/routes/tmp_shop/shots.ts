import { startApp } from "@/tests/support/app.ts";
import { openBrowser } from "@/tests/support/browser.ts";
import { SESSIONS, tokenOf, USERS } from "@/tests/support/cast.ts";
import { giveSession } from "../reading.ts";
import axe from "axe-core";
const app = await startApp(); const browser = await openBrowser();
await giveSession(app,{userId:USERS.olive,type:"video",plan:"video15"});
for (const [who,body] of [["olive","Hello, it shakes at 50 mph, only when warm."],["marco","Hi Olive! Does the steering wheel shake too, or just the seat?"],["olive","The wheel."]] as const) await app.as(who).post(`/api/sessions/${SESSIONS.olives}/messages`,{clientId:crypto.randomUUID(),body});
for (const colorScheme of ["dark"] as const) for (const width of [360,1280]) {
  const v = await browser.visit({colorScheme,viewport:{width,height:800}});
  await v.page.context().addCookies([{name:"login",value:tokenOf("olive"),url:app.origin}]);
  for (const [n,p] of [["home","/"],["chat",`/chat/${SESSIONS.olives}`],["account","/account"],["start","/start?plan=chat10"]]) {
    await v.page.goto(app.origin+p,{waitUntil:"networkidle"}).catch(()=>{}); await v.page.screenshot({path:`/tmp/shop/real/${n}_${width}_${colorScheme}.png`,fullPage:true});
    await v.page.evaluate(axe.source);
    const r:any=await v.page.evaluate("axe.run()"); console.log(n,width,colorScheme,"passes",r.passes.length,"viol",r.violations.map((x:any)=>x.id+" "+x.nodes[0].html.slice(0,120)));
  }
  if(width===360){await v.page.evaluate("document.body.insertAdjacentHTML('beforeend','<p style=\"color:#888;background:#999\">x</p><img src=x>')");const r:any=await v.page.evaluate("axe.run()");console.log("sanity",r.violations.map((x:any)=>x.id));}
  await v[Symbol.asyncDispose]().catch((e)=>console.log(String(e).slice(0,300)));
}
await browser[Symbol.asyncDispose](); await app[Symbol.asyncDispose](); Deno.exit(0);
