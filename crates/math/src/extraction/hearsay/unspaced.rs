//! What others say, in Chinese, Japanese and Korean.

/// What a source in Chinese, Japanese or Korean may be without being somebody.
const GROUNDS: &[&str] = &[
    "题",
    "題",
    "定理",
    "公式",
    "定义",
    "定義",
    "条件",
    "條件",
    "已知",
    "规则",
    "规律",
    "規則",
    "图",
    "圖",
    "表",
    "上述",
    "以上",
    "上面",
    "前面",
    "计算",
    "計算",
    "结果",
    "結果",
    "方程",
    "性质",
    "性質",
    "法则",
    "法則",
    "推理",
    "分析",
    "信息",
    "情報",
    "数据",
    "描述",
    "步骤",
    "原理",
    "此",
    "这",
    "這",
    "勾股",
    "韦达",
    "等式",
    "要求",
    "关系",
    "關係",
    "定律",
    "假设",
    "统计",
    "给定",
    "給定",
    "顺序",
    "我",
    "文",
    "図",
    "グラフ",
    "データ",
    "式",
    "これ",
    "上記",
    "문제",
    "조건",
    "정리",
    "공식",
    "정의",
    "그림",
    "표",
    "식",
    "계산",
    "법칙",
    "규칙",
    "그래프",
    "위",
    "주어진",
    "피타고라스",
    "성질",
    "결과",
    "원리",
];

/// What has a name, whose it may be: a theorem.
const NAMED: &[&str] = &["定理", "公式", "法则", "法則", "定律", "性质", "性質", "定义", "定義", "关系"];

fn is_ground(source: &str) -> bool {
    let holds = |text: &str, list: &[&str]| list.iter().any(|word| text.contains(word));
    match source.rsplit_once(['的', 'の']) {
        Some((owner, owned)) => holds(owner, GROUNDS) || holds(owned, NAMED) || owner.trim().is_empty(),
        None => holds(source, GROUNDS),
    }
}

/// Whether a statement in one of the three tells what others say.
pub(super) fn is_told(before: &str, said: &str) -> bool {
    let whole = format!("{before}{said}");
    is_told_in_chinese(before, &whole) || is_told_in_japanese(&whole, said) || is_told_in_korean(&whole)
}

fn is_told_in_chinese(ahead: &str, whole: &str) -> bool {
    if [
        "据说",
        "據說",
        "听说",
        "聽說",
        "有人说",
        "有人說",
        "有人认为",
        "有人認為",
        "传闻",
        "傳聞",
        "据称",
        "據稱",
    ]
    .iter()
    .any(|word| whole.contains(word))
    {
        return true;
    }
    let named = ["根据", "根據", "按照", "依据", "依據", "按", "据", "照"].iter().any(|lead| {
        whole.match_indices(lead).any(|(at, _)| {
            let source = &whole[at + lead.len()..];
            let end = source.find([',', '，', ':', '：']).unwrap_or(0);
            // "数据", "占据": no lead.
            let alone = lead.chars().count() > 1 || at == 0;
            alone && end > 0 && !is_ground(&source[..end])
        })
    });
    let says = [
        "说",
        "說",
        "认为",
        "認為",
        "觉得",
        "覺得",
        "声称",
        "聲稱",
        "表示",
        "告诉我",
        "告訴我",
        "宣称",
        "猜",
    ]
    .iter()
    .any(|verb| {
        ahead.match_indices(verb).any(|(at, _)| {
            let (subject, rest) = (&ahead[..at], &ahead[at + verb.len()..]);
            // "也就是说", "一般来说", "换句话说", "说明": no saying.
            let formula = subject.is_empty()
                || subject.ends_with([
                    '是', '来', '來', '话', '話', '再', '可', '以', '的', '虽', '雖', '能', '难', '難', '小',
                    '学', '學', '解', '假',
                ])
                || rest.starts_with(['明', '法', '到', '过', '起']);
            let own = ["我", "题", "題"].iter().any(|own| subject.contains(own));
            let direct = rest
                .trim_matches([' ', ',', ':', '，', '：', '"', '“', '「', '正', '确', '最', '终', '的'])
                .is_empty();
            direct && !formula && !own
        })
    });
    named || says
}

fn is_told_in_japanese(whole: &str, behind: &str) -> bool {
    let named =
        ["によると", "によれば", "に言わせれば", "に言わせると", "いわく", "曰く"].iter().any(|lead| {
            whole.find(lead).is_some_and(|at| {
                let from = whole[..at]
                    .rfind([',', '、', '.', ' '])
                    .map_or(0, |mark| mark + whole[mark..].chars().next().map_or(1, char::len_utf8));
                !is_ground(&whole[from..at])
            })
        });
    let told = [
        "だそう",
        "らしい",
        "とのこと",
        "と言った",
        "と言って",
        "と言う",
        "と言い",
        "といって",
        "と述べ",
        "と主張",
        "と考えている",
        "と思っている",
        "と聞",
        "という噂",
        "と答え",
    ];
    named || told.iter().any(|word| behind.contains(word))
}

fn is_told_in_korean(whole: &str) -> bool {
    let named = ["에 따르면", "에 의하면", "말에 의하면", "말로는", "의견으로는"].iter().any(|lead| {
        whole.find(lead).is_some_and(|at| {
            let from = whole[..at].rfind([',', '.']).map_or(0, |mark| mark + 1);
            !is_ground(&whole[from..at])
        })
    });
    let told = [
        "라고 합니다",
        "라고 한다",
        "라고 했",
        "라고 하",
        "라고 말",
        "라고 주장",
        "라고 들었",
        "답니다",
        "랍니다",
        "다고 합니다",
        "다고 했",
        "다고 말",
        "래요",
        "다더라",
        "라더라",
    ];
    let own = ["라고 할 수", "라고 하면", "라고 하자"];
    named || told.iter().any(|word| whole.contains(word)) && !own.iter().any(|word| whole.contains(word))
}
