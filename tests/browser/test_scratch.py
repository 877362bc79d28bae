from playwright.sync_api import expect
from tests.browser.test_live import *
def test_scratch(lab):
    live = start(lab, "%nodetool attach last", "1", "%load_ext nodetool_jupyter", "%nodetool attach last", "%nodetool status last", options="--name rows -b -o job")
    lab.wait_for_end(3)
    wait_for_move(bar(live, "read_rows_1"))
    # tab order
    live.get_by_role("button", name="Cancel").focus()
    seen=[]
    for i in range(8):
        lab.page.keyboard.press("Tab")
        seen.append(lab.page.evaluate("(()=>{const e=document.activeElement; return e.tagName+'.'+e.className+' '+(e.textContent||'').slice(0,40)})()"))
    print("\n".join(seen))
    lab.restart_kernel()
    lab.page.wait_for_timeout(3000)
    lab.picture("scratch-restarted")
    lab.run(4,5,6)
    lab.page.wait_for_timeout(1000)
    lab.picture("scratch-attached")
    lab.save()
    lab.load()
    lab.page.wait_for_timeout(3000)
    lab.picture("scratch-reloaded")
